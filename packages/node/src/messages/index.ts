export { signerOf, signMessage } from "./signedMessage.ts";
