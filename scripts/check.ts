/** `npm run check`: lint, types and licences, without the tests. */
import { runGates } from "./gates.ts";

process.exitCode = runGates().failed.length === 0 ? 0 : 1;
