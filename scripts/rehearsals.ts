/**
 * What programs with large parts that are rarely used are run with, one after the other, to find out which parts are
 * used: HOME is a directory that is then removed, with empty files `one` and `two`. Nothing listens at port 1.
 */
export const rehearsals: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "signstar-request-signature": [
    ["prepare", "HOME/one"],
    ["sign", "--ssh", "/bin/false", "nobody@127.0.0.1", "HOME/one", "HOME/two"],
  ],
  nethsm: [
    [
      ...["--config", "HOME/nethsm.toml", "env", "add", "device", "--label", "rehearsal"],
      ...["https://127.0.0.1:1/api/v1", `sha256:${"00".repeat(32)}`],
    ],
    ["--config", "HOME/nethsm.toml", "health", "state"],
  ],
};
