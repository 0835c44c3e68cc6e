/** Content negotiation as far as the device does it: RFC 9110 §12.5.1 for Accept, parameters ignored. */

/** Whether an Accept header lets this media type through. */
export function isAcceptable(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept.trim() === "") return true;
  const [family] = type.split("/");
  // The most specific range that matches decides.
  for (const wanted of [type, `${family}/*`, "*/*"]) {
    const range = accept.split(",").find((each) => mediaType(each) === wanted);
    if (range !== undefined) return !/;\s*q=0(?:\.0*)?\s*(?:;|$)/i.test(range);
  }
  return false;
}

/** `type/subtype` in lower case, without parameters. */
export function mediaType(header: string): string {
  return (header.split(";")[0] ?? "").trim().toLowerCase();
}

/** A parameter of a media type, quotes removed. */
export function mediaParameter(header: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^;\\s]*))`, "i").exec(header);
  return found?.[1] ?? found?.[2];
}
