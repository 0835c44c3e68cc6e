/** The subject of a certificate signing request: as words in a row, as the original has it, or as options. */
import { usageError } from "@signstar/command/errors";
import type { Argument, Option } from "@signstar/command/spec";
import type { Subject } from "@signstar/nethsm/csr";
import type { Work } from "./task.ts";

const parts = [
  ["ORG_NAME", "organization", "organizationName"],
  ["ORG_UNIT", "organizational-unit", "organizationalUnitName"],
  ["LOCALITY", "locality", "localityName"],
  ["STATE", "state", "stateOrProvinceName"],
  ["COUNTRY", "country", "countryName"],
  ["EMAIL", "email", "emailAddress"],
] as const;

/** `env`: NETHSM_KEY_CSR_ or NETHSM_TLS_CSR_. */
export function subjectArguments(env: string): readonly Argument[] {
  return [
    { name: "COMMON_NAME", description: "common name, as in example.com", env: `${env}COMMON_NAME` },
    ...parts.map(([name, option]) => ({
      name,
      description: `the subject's ${option.replace("-", " ")}`,
      optional: true,
      env: `${env}${name}`,
    })),
  ];
}

export const subjectOptions: readonly Option[] = [
  ...parts.map(([name, option]) => ({
    name: option,
    value: name,
    description: "the same as the argument, without those before it",
  })),
  {
    name: "san",
    value: "NAME",
    description: "alternative name, a DNS name or IP:ADDRESS (release 3.0 and later); without it the common name",
    repeatable: true,
  },
  { name: "without-san", description: "no alternative name at all (release 3.0 and later)" },
];

export function subjectIn({ words, options }: Work): Subject {
  const names = parts.flatMap(([name, option, member]) => {
    const [word, chosen] = [words.optional(name), options.text(option)];
    if (word !== undefined && chosen !== undefined) throw usageError(`${name} and --${option} exclude each other`);
    const value = chosen ?? word;
    return value === undefined ? [] : [[member, value] as const];
  });
  const subjectAltNames = options.list("san");
  if (options.flag("without-san") && subjectAltNames.length > 0)
    throw usageError("--san and --without-san exclude each other");
  const hasNames = options.flag("without-san") || subjectAltNames.length > 0;
  return {
    commonName: words.text("COMMON_NAME"),
    ...Object.fromEntries(names),
    ...(hasNames && { subjectAltNames }),
  };
}
