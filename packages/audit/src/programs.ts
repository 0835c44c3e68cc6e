/** Every program that writes sessions into the journal, under its own name as SYSLOG_IDENTIFIER. */
export const programs = [
  "signstar-download-backup",
  "signstar-download-key-certificate",
  "signstar-download-metrics",
  "signstar-download-secret-share",
  "signstar-download-signature",
  "signstar-download-wireguard",
  "signstar-upload-backup",
  "signstar-upload-secret-share",
  "signstar-upload-update",
] as const;

export type Program = (typeof programs)[number];

export function isProgram(name: unknown): name is Program {
  return programs.some((program) => program === name);
}
