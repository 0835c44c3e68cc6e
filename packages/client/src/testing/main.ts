/** The executable as a process, for tests. */
import { run } from "@signstar/command/run";
import { requestSignature } from "../request-signature.ts";

await run(requestSignature);
