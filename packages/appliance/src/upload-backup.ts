import { BackupError } from "@signstar/nethsm-backup/errors";
import { validateBackup } from "@signstar/nethsm-backup/validate";
import { messageOf } from "@signstar/primitives/failure";
import { ApplianceError } from "./errors.ts";
import { uploadProgram } from "./upload.ts";

/** A backup of the HSM, for a restore that share holders decide. */
export const uploadBackup = uploadProgram({
  name: "signstar-upload-backup",
  kind: "backup-upload",
  what: "backup",
  suffix: ".bkp",
  directory: ({ staging }) => staging.backup,
  limit: ({ appliance }) => appliance.uploadLimitBackup,
  async check(pieces) {
    try {
      const { version, items } = await validateBackup(pieces);
      if (items === 0) throw new BackupError("missing-item", "the file has no items");
      return { version, items };
    } catch (cause) {
      if (!(cause instanceof BackupError)) throw cause;
      throw new ApplianceError("not-acceptable", `this is not a whole NetHSM backup: ${messageOf(cause)}`, {
        cause,
        clientSafe: true,
      });
    }
  },
});
