import { run } from "@signstar/command/run";
import { configureBuild } from "../configure-build.ts";

await run(configureBuild);
