/** Bounds on what comes from outside, in bytes and milliseconds, with the reason beside each. */
export const limits = {
  /** A signing request is about 1 KB; 64 KiB leaves room for optional members (also per line of a batch). */
  requestBytes: 64 * 1024,
  /** A client that has not sent its request by then is gone or hostile. */
  requestDeadlineMs: 30_000,
  /** The state's block counter: 2^56 blocks of 128 bytes is far beyond any file. */
  stateBlocks: 2n ** 56n,
  jsonDepth: 16,
  jsonMembers: 64,
  /** What the NetHSM itself accepts as a certificate. */
  certificateBytes: 1024 * 1024,
  configBytes: 1024 * 1024,
  credentialBytes: 4096,
  /** The same as systemd writes it: base64, with what a TPM wants to see again. */
  encryptedCredentialBytes: 64 * 1024,
  /** A share of a secret of 24 KiB with 255 commitments is 52 KiB long. */
  shareBytes: 64 * 1024,
} as const;
