/** `nethsm doctor`. */
import { usageError } from "@signstar/command/errors";
import { NetHsm } from "@signstar/nethsm/client";
import { loadSettings } from "@signstar/nethsm-settings/load";
import { deviceOf } from "@signstar/nethsm-settings/model";
import { Exit } from "@signstar/primitives/failure";
import { type Answer, paint, type Style, table } from "./answer.ts";
import { checks, Examination, type Finding } from "./doctor-checks.ts";
import { localTask } from "./task.ts";

const colours = { ok: "green", warning: "yellow", problem: "red" } as const;

export const doctor = localTask({
  name: "doctor",
  summary: "look for what is wrong with the devices; ends with 1 if there is something",
  description:
    "Looks at all devices of the settings, or the one of --label: whether it is reached under its certificate, state, " +
    "clock, certificates that expire within 30 days, keys without tags, Operators without keys. Nothing is asked of a " +
    "person: users and keys are looked at as Administrators whose passphrases are stored.",
  options: [
    {
      name: "ignore",
      value: "CHECK",
      description: "do not count what this check finds",
      repeatable: true,
      choices: checks,
    },
  ],
  run: async (work) => {
    const { settings, warnings } = await loadSettings(work.settingsPath);
    const label = work.options.text("label");
    const devices = label === undefined ? settings.devices : [deviceOf(settings, label)];
    if (devices.length === 0) throw usageError("the settings have no device", "add one: nethsm env add device");
    const found: Finding[] = warnings.map((finding) => ({ device: "-", check: "settings", level: "warning", finding }));
    for (const device of devices) {
      using hsm = new NetHsm(device.connection);
      const examination = new Examination(device, process.env);
      await examination.run(hsm);
      found.push(...examination.findings);
    }
    const ignored = work.options.list("ignore");
    const counted = found.filter(({ check, level }) => level !== "ok" && !ignored.includes(check));
    return answer(found, counted.length === 0 ? Exit.ok : Exit.no);
  },
});

function answer(found: readonly Finding[], exit: Exit): Answer {
  const rows = found.map(({ device, check, level, finding }) => ({ device, check, level, finding }));
  const plain = table(rows, { healthy: exit === Exit.ok, findings: rows });
  return { ...plain, payload: (style) => coloured(plain.payload(style), style), exit };
}

/** Colours the level of each row; it stands between blanks. */
function coloured(payload: string | Uint8Array, style: Style): string | Uint8Array {
  if (typeof payload !== "string") return payload;
  return payload.replace(/(?<= {2})(?:ok|warning|problem)(?= {2})/g, (level) =>
    level in colours ? paint(style, colours[level as keyof typeof colours], level) : level,
  );
}
