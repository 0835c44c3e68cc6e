/** Starts the device from source, for the runner: the bundle need not be built. */
import { run } from "@signstar/command/run";
import { softNethsm } from "@signstar/soft-nethsm/main";

await run(softNethsm);
