/** The program as its bundle starts it, for tests that look at a process from outside. */
import { run } from "@signstar/command/run";
import { configure } from "@signstar/configure/configure";

await run(configure);
