import { bundleDashboard } from "./source/dashboardBundle.ts";
import { bundlePackages } from "./source/packageBundle.ts";
import { workspaceRoot } from "./source/workspace.ts";

/* The second half of `npm run build`: after the modules and their types, the bundles that Node loads. */

await bundlePackages(workspaceRoot);
await bundleDashboard();
