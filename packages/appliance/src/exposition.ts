/**
 * Metrics as text: Prometheus text format 0.0.4, and OpenMetrics 1.0.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */

export interface Metric {
  /** Counters end with `_total`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram" | "untyped";
  readonly help: string;
  /** The name says it too. */
  readonly unit?: "bytes" | "seconds";
}

export type Labels = Readonly<Record<string, string>>;
export type Format = "prometheus" | "openmetrics";

export interface Histogram {
  /** Upper bounds of the buckets, ascending. */
  readonly bounds: readonly number[];
  /** How many fell into each; one more than there are bounds, for what lies beyond. */
  readonly counts: readonly number[];
  readonly sum: number;
}

interface Sample {
  /** Behind the metric's name. */
  readonly suffix: string;
  readonly labels: Labels;
  readonly value: string;
}

export class Exposition {
  readonly #families = new Map<string, { metric: Metric; samples: Sample[] }>();

  /** `value` as a number or as decimal text, which is passed on as it is. */
  add(metric: Metric, labels: Labels, value: number | string): void {
    this.#add(metric, { suffix: "", labels, value: String(value) });
  }

  addHistogram(metric: Metric, labels: Labels, { bounds, counts, sum }: Histogram): void {
    let below = 0;
    for (const [i, count] of counts.entries()) {
      below += count;
      const bound = bounds[i];
      this.#add(metric, {
        suffix: "_bucket",
        labels: { ...labels, le: bound === undefined ? "+Inf" : float(bound) },
        value: String(below),
      });
    }
    this.#add(metric, { suffix: "_sum", labels, value: String(sum) });
    this.#add(metric, { suffix: "_count", labels, value: String(below) });
  }

  #add(metric: Metric, sample: Sample): void {
    const family = this.#families.get(metric.name) ?? { metric, samples: [] };
    this.#families.set(metric.name, family);
    family.samples.push(sample);
  }

  /** Families sorted by name, their samples together. */
  text(format: Format): string {
    const families = [...this.#families.values()].toSorted((a, b) => (a.metric.name < b.metric.name ? -1 : 1));
    const lines = families.flatMap(({ metric, samples }) => [
      ...(format === "openmetrics" ? openMetricsHead(metric) : prometheusHead(metric)),
      ...samples.map(({ suffix, labels, value }) => `${metric.name}${suffix}${labelText(labels)} ${value}`),
    ]);
    if (format === "openmetrics") lines.push("# EOF");
    return `${lines.join("\n")}\n`;
  }
}

function prometheusHead({ name, type, help }: Metric): readonly string[] {
  return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`];
}

/** There a counter's family lacks the suffix of its sample. */
function openMetricsHead({ name, type, help, unit }: Metric): readonly string[] {
  const family = type === "counter" ? name.replace(/_total$/, "") : name;
  return [
    `# TYPE ${family} ${type === "untyped" ? "unknown" : type}`,
    ...(unit === undefined ? [] : [`# UNIT ${family} ${unit}`]),
    `# HELP ${family} ${escaped(help)}`,
  ];
}

/** OpenMetrics wants bounds that look like floating point. */
function float(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
