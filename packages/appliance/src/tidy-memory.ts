import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Collects garbage. V8 lets a heap grow by what the machine has, not by what is in use; a program that answers for
 * hours on an appliance keeps its young generation small and tidies the rest now and then.
 */
export function memoryTidier(): () => void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  return isCollector(collect) ? collect : () => undefined;
}

function isCollector(value: unknown): value is () => void {
  return typeof value === "function";
}
