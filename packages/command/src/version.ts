declare const SIGNSTAR_VERSION: string | undefined;

/** Put in by the build; a checkout has no version of its own. */
export const version: string = typeof SIGNSTAR_VERSION === "string" ? SIGNSTAR_VERSION : "0.0.0-dev";
