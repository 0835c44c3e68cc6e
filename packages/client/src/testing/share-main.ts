/** The executable as a process, for tests. */
import { run } from "@signstar/command/run";
import { share } from "../share.ts";

await run(share);
