/** One user of a passwd file (passwd(5)). */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Absolute. */
  readonly home: string;
  readonly shell: string;
}

/** The users of a passwd file in its order. Lines that are no entry (comments, `+` of NIS, broken ones) are left out. */
export function parsePasswd(text: string): readonly PasswdEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , uid = "", gid = "", , home = "", shell, ...more] = line.split(":");
    if (shell === undefined || more.length > 0) return [];
    if (!/^[^\s:+#-][^\s:]*$/.test(name) || !isId(uid) || !isId(gid) || !home.startsWith("/")) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home, shell }];
  });
}

function isId(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,9})$/.test(text) && Number(text) < 0xffff_ffff;
}
