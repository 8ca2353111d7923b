import type { Msat } from "../../util/units.ts";
import type { ChannelContext } from "../input.ts";
import type { FundedChannel } from "../state.ts";
