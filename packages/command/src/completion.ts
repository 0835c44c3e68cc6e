/** Completion scripts for bash, zsh and fish, made from the spec: commands, options, choices; else file names. */
import { type Described, optionsOf } from "./help.ts";
import type { Argument, Option } from "./spec.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** What can stand behind one command: `path` is its words, as in `nethsm key sign`. */
interface Place {
  readonly path: string;
  readonly commands: readonly Described[];
  readonly options: readonly Option[];
  readonly arguments: readonly Argument[];
}

export function completion(program: Described, shell: Shell): string {
  const places = placesOf([program]);
  return { bash, zsh, fish }[shell](program.name, places);
}

/** The name under which a shell looks for the script. */
export function completionFile(program: Described, shell: Shell): string {
  return { bash: program.name, zsh: `_${program.name}`, fish: `${program.name}.fish` }[shell];
}

function placesOf(chain: readonly Described[]): readonly Place[] {
  const command = chain.at(-1);
  if (command === undefined) return [];
  const { commands = [] } = command;
  const own = {
    path: chain.map(({ name }) => name).join(" "),
    commands,
    options: optionsOf(chain),
    arguments: command.arguments ?? [],
  };
  return [own, ...commands.flatMap((sub) => placesOf([...chain, sub]))];
}

const flagsOf = ({ name, short }: Option): readonly string[] => [
  `--${name}`,
  ...(short === undefined ? [] : [`-${short}`]),
];
const namesOf = (options: readonly Option[]): string => options.flatMap(flagsOf).join(" ");
const identifier = (name: string): string => name.replaceAll("-", "_");

/**
 * The function that bash and zsh share: it reads the words before the cursor and finds which command they name
 * (`place`), which option waits for its value (`waiting`) and how many arguments there are already (`count`).
 */
function walker(name: string, places: readonly Place[]): string {
  const rows = places.map(({ path, commands, options }) => {
    const valued = namesOf(options.filter(({ value }) => value !== undefined));
    return `    ${quoted(path)}) commands=${quoted(commands.map((sub) => sub.name).join(" "))} valued=${quoted(valued)} ;;`;
  });
  return `_${identifier(name)}_walk() {
  place=${quoted(name)} waiting= count=0
  local word commands valued
  for word in "$@"; do
    if [[ -n $waiting ]]; then
      [[ $word == = ]] || waiting=
      continue
    fi
    case $place in
${rows.join("\n")}
    esac
    if [[ " $commands " == *" $word "* ]]; then place="$place $word"
    elif [[ " $valued " == *" $word "* ]]; then waiting=$word
    elif [[ $word != -* ]]; then count=$((count + 1))
    fi
  done
}
`;
}

/** A case of shell for each place: `words` are what may come; empty: a file. */
function candidates(places: readonly Place[]): string {
  const rows = places.flatMap(({ path, commands, options, arguments: args }) => [
    ...options
      .filter(({ value }) => value !== undefined)
      .map((option) => {
        const patterns = flagsOf(option).map((flag) => quoted(`${path} ${flag}`));
        return `    ${patterns.join("|")}) words=${quoted((option.choices ?? []).join(" "))} ;;`;
      }),
    `    ${quoted(`${path} -`)}) words=${quoted(namesOf(options))} ;;`,
    ...args.map(({ choices = [], variadic }, index) => {
      const pattern = `${quoted(`${path} `)}${variadic === true ? "[0-9]*" : index}`;
      const both = index === 0 ? [...commands.map(({ name }) => name), ...choices] : choices;
      return `    ${pattern}) words=${quoted(both.join(" "))} ;;`;
    }),
    ...(commands.length > 0 && args.length === 0
      ? [`    ${quoted(`${path} 0`)}) words=${quoted(commands.map(({ name }) => name).join(" "))} ;;`]
      : []),
  ]);
  return `  case "$place \${waiting:-$current}" in
${rows.join("\n")}
  esac`;
}

function bash(name: string, places: readonly Place[]): string {
  const own = identifier(name);
  return `# bash completion of ${name}, made from its specification
${walker(name, places)}
_${own}() {
  local place waiting count words= current cur=\${COMP_WORDS[COMP_CWORD]}
  _${own}_walk "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  current=$count
  [[ $cur == -* ]] && current=-
  [[ $cur == = ]] && cur=
${candidates(places)}
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F _${own} ${name}
`;
}

function zsh(name: string, places: readonly Place[]): string {
  const own = identifier(name);
  return `#compdef ${name}
# zsh completion of ${name}, made from its specification
${walker(name, places)}
_${own}() {
  local place waiting count current choices
  local -a before
  before=("\${(@)words[2,CURRENT-1]}")
  current=$words[CURRENT]
  _${own}_walk "\${before[@]}"
  if [[ $current == -* ]]; then current=-; else current=$count; fi
${candidates(places).replaceAll(" words=", " choices=")}
  if [[ -n $choices ]]; then compadd -- \${=choices}; else _files; fi
}
if [[ $funcstack[1] == _${name} ]]; then _${own} "$@"; else compdef _${own} ${name}; fi
`;
}

function fish(name: string, places: readonly Place[]): string {
  const own = identifier(name);
  const valued = [
    ...new Set(places.flatMap(({ options }) => options.filter(({ value }) => value !== undefined).flatMap(flagsOf))),
  ];
  const paths = places.map(({ path }) => fishQuoted(path)).join(" ");
  const rows = places.flatMap(({ path, commands, options, arguments: args }) => {
    const here = `complete -c ${name} -n ${fishQuoted(`__${own}_at '${path}'`)}`;
    const words = args.flatMap(({ choices = [] }) => choices);
    return [
      ...commands.map((sub) => `${here} -f -a ${fishQuoted(sub.name)} -d ${fishQuoted(sub.summary)}`),
      ...(words.length === 0 ? [] : [`${here} -f -a ${fishQuoted([...new Set(words)].join(" "))}`]),
      ...options.map(({ name: long, short, value, choices, description }) => {
        const takes =
          value === undefined ? "" : choices === undefined ? " -r" : ` -x -a ${fishQuoted(choices.join(" "))}`;
        return `${here}${short === undefined ? "" : ` -s ${short}`} -l ${long}${takes} -d ${fishQuoted(description)}`;
      }),
    ];
  });
  return `# fish completion of ${name}, made from its specification
function __${own}_at
    set -l place ${name}
    set -l waiting
    for word in (commandline -opc)[2..-1]
        if set -q waiting[1]
            set -e waiting
        else if contains -- $word ${valued.join(" ")}
            set waiting $word
        else if contains -- "$place $word" ${paths}
            set place "$place $word"
        end
    end
    test "$place" = "$argv[1]"
end
${rows.join("\n")}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
