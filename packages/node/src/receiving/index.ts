export { claimHeld, failHeld, receive, takePayment } from "./receiving.ts";
