import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Tidying takes some milliseconds, so a piece of work pays some microseconds for it. */
const piecesPerTidying = 1000;

/** While the young generation may still grow, its size is looked at now and then. */
const piecesPerLook = 16;

/**
 * So that what lives as long as a piece of work is not promoted; larger is more memory, and no more speed. V8 counts
 * both halves.
 */
const youngBytes = 2 * 4 * 2 ** 20;

/**
 * To be called for each piece of work of a program that goes on for hours. V8 lets a heap grow by what the machine has,
 * not by what is in use: here the young generation stops growing early and the rest is collected now and then.
 */
export function memoryTidier(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  let pieces = 0;
  let grows = true;
  return () => {
    pieces += 1;
    if (grows && pieces % piecesPerLook === 0 && youngSize() >= youngBytes) {
      setFlagsFromString("--semi-space-growth-factor=1");
      grows = false;
    }
    if (pieces % piecesPerTidying === 0 && isCollector(collect)) collect();
  };
}

function youngSize(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0;
}

function isCollector(value: unknown): value is () => void {
  return typeof value === "function";
}
