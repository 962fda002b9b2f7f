import { type LogFormat, type LogLevel, logLevels } from './log-settings.ts';
import { printable, printableJson } from './printable.ts';
import { type WriteError, writerTo } from './write-all.ts';

/** What a line says beside its message; in text as `name=value` behind it. */
type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

interface LogOptions {
  /** The least urgent level that is written. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Whether text begins with the time, which whoever collects it may add; true unless set. */
  readonly times?: boolean;
  /** Takes one entry, its line end included, or throws; stderr unless set. */
  readonly write?: (text: string) => void;
  readonly now?: () => Date;
}

/**
 * What the process says while it works, an entry per call: `TIME LEVEL message name=value`, or as JSON
 * one object per line with `time`, `level`, `message` and the fields. Further lines of a message are indented as text.
 * What a terminal would obey is escaped, whoever's text it is in.
 * What can't be written, as on a full disk, is counted, and told when there is room again.
 */
export class Log {
  readonly #level: LogLevel;
  readonly #format: LogFormat;
  readonly #times: boolean;
  readonly #write: (text: string) => void;
  readonly #now: () => Date;
  readonly #outages = new Set<string>();
  #lost = 0;
  /** Whether the last entry that was lost is there in part. */
  #isTorn = false;

  constructor({ level, format, times = true, write, now }: LogOptions) {
    this.#level = level;
    this.#format = format;
    this.#times = times;
    this.#write = write ?? writerTo(2);
    this.#now = now ?? (() => new Date());
  }

  /** Whether entries of that level are written, for messages that are dear to make. */
  writes(level: LogLevel): boolean {
    return logLevels.indexOf(level) <= logLevels.indexOf(this.#level);
  }

  error(message: string, fields?: LogFields): void {
    this.#entry('error', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#entry('warn', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#entry('info', message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#entry('debug', message, fields);
  }

  /** Warns of what will be met again and again (a Collector that is down): once per key until it is `over`. */
  once(key: string, message: string, fields?: LogFields): void {
    if (this.#outages.has(key)) return;
    this.#outages.add(key);
    this.warn(message, fields);
  }

  /** What `once` warned of works again; says so only where it had warned. */
  over(key: string, message: string, fields?: LogFields): void {
    if (this.#outages.delete(key)) this.info(message, fields);
  }

  #entry(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (!this.writes(level)) return;
    try {
      if (this.#lost > 0) {
        const entries = this.#lost === 1 ? 'an entry' : `${this.#lost} entries`;
        const notice = this.#text('warn', `log: ${entries} could not be written`, {});
        this.#write(this.#isTorn ? `\n${notice}` : notice);
        this.#lost = 0;
        this.#isTorn = false;
      }
      this.#write(this.#text(level, message, fields));
    } catch (error) {
      this.#lost++;
      this.#isTorn ||= ((error as WriteError).written ?? 0) > 0;
    }
  }

  #text(level: LogLevel, message: string, fields: LogFields): string {
    const time = this.#now().toISOString();
    if (this.#format === 'json') return `${printableJson(JSON.stringify({ time, level, message, ...fields }))}\n`;
    const head = `${this.#times ? `${time} ` : ''}${level.toUpperCase().padEnd(5)}`;
    return `${head} ${printable(indentRest(message) + fieldsText(fields))}\n`;
  }
}

/** A line that begins without a time belongs to the entry above it, and nobody can forge an entry. */
function indentRest(message: string): string {
  return message.replaceAll(/\r?\n/g, '\n    ');
}

function fieldsText(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${/^[^\s"=]+$/.test(String(value)) ? value : JSON.stringify(String(value))}`)
    .join('');
}
