/**
 * Go's regular expressions (RE2 syntax, https://github.com/google/re2/wiki/Syntax) as JavaScript's, so that a pattern means
 * the same here as in ebpf_exporter. Both take the leftmost match and the first alternative. What RE2 has not
 * (lookaround, back references) is refused, as there; of what it has, `U` and flags in the middle of a pattern are.
 */

/** What is wrong with a pattern; the message is the cause alone. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** Throws PatternError where the pattern is no regular expression, or one that JavaScript can't be given. */
export function compileRe2(pattern: string): RegExp {
  const { flags, rest } = leadingFlags(pattern);
  const source = new Translation(rest, flags).translate();
  try {
    return new RegExp(source, flags.has('i') ? 'vi' : 'v');
  } catch (error) {
    throw new PatternError(reason(error), { cause: error });
  }
}

/** `(?is)` in front of everything. */
function leadingFlags(pattern: string): { flags: ReadonlySet<string>; rest: string } {
  const match = /^\(\?([a-zA-Z]+)\)/.exec(pattern);
  if (match === null) return { flags: new Set(), rest: pattern };
  const flags = new Set(match[1]!);
  checkFlags(match[1]!);
  return { flags, rest: pattern.slice(match[0].length) };
}

function checkFlags(flags: string): void {
  for (const flag of flags) {
    if (flag === 'U') throw new PatternError('the flag U is not supported; write *? for * and the other way round');
    if (!'ims-'.includes(flag)) throw new PatternError(`there is no flag ${flag}; i, m and s exist`);
  }
}

/** What V8 says after `Invalid regular expression: /…/v: `. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(message.lastIndexOf(': ') + 2).toLowerCase();
}

const POSIX_CLASSES: ReadonlyMap<string, string> = new Map([
  ['alnum', '0-9A-Za-z'],
  ['alpha', 'A-Za-z'],
  ['ascii', '\\x00-\\x7f'],
  ['blank', '\\t\\x20'],
  ['cntrl', '\\x00-\\x1f\\x7f'],
  ['digit', '0-9'],
  ['graph', '\\x21-\\x7e'],
  ['lower', 'a-z'],
  ['print', '\\x20-\\x7e'],
  ['punct', '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e'],
  ['space', '\\t\\n\\v\\f\\r\\x20'],
  ['upper', 'A-Z'],
  ['word', '0-9A-Za-z_'],
  ['xdigit', '0-9A-Fa-f'],
]);

/** Perl's classes are ASCII in RE2, and `\s` has no vertical tab. */
const PERL_CLASSES: ReadonlyMap<string, string> = new Map([
  ['d', '[0-9]'],
  ['D', '[^0-9]'],
  ['w', '[0-9A-Za-z_]'],
  ['W', '[^0-9A-Za-z_]'],
  ['s', '[\\t\\n\\f\\r\\x20]'],
  ['S', '[^\\t\\n\\f\\r\\x20]'],
]);

const CONTROL_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['f', 12],
  ['t', 9],
  ['n', 10],
  ['r', 13],
  ['v', 11],
]);

interface GroupFlags {
  readonly multiline: boolean;
  readonly dotAll: boolean;
}

class Translation {
  readonly #pattern: string;
  #at = 0;
  #output = '';
  /** The flags of the open groups, the innermost last. JavaScript's own m and s count other line ends than RE2's. */
  readonly #groups: GroupFlags[];

  constructor(pattern: string, flags: ReadonlySet<string>) {
    this.#pattern = pattern;
    this.#groups = [{ multiline: flags.has('m'), dotAll: flags.has('s') }];
  }

  translate(): string {
    while (this.#at < this.#pattern.length) this.#output += this.#next();
    if (this.#groups.length > 1) throw new PatternError('a ( is not closed');
    return this.#output;
  }

  #next(): string {
    const character = this.#take();
    const { multiline, dotAll } = this.#groups.at(-1)!;
    switch (character) {
      case '\\':
        return this.#escape();
      case '[':
        return this.#class();
      case '(':
        return this.#open();
      case ')':
        if (this.#groups.length === 1) throw new PatternError('a ) closes nothing');
        this.#groups.pop();
        return ')';
      case '.':
        return dotAll ? '[\\s\\S]' : '[^\\n]';
      case '^':
        return multiline ? '(?<![^\\n])' : '^';
      case '$':
        return multiline ? '(?![^\\n])' : '$';
      case '{':
        return this.#repetition() ?? '\\{';
      case '}':
        return '\\}';
      case ']':
        return '\\]';
      case '/':
        return '\\/';
      default:
        return character;
    }
  }

  /** The rest of {2}, {2,} or {2,3}, its { taken; a { that begins none of them is itself. */
  #repetition(): string | undefined {
    const rest = /^\d+(,\d*)?\}/.exec(this.#pattern.slice(this.#at))?.[0];
    if (rest === undefined) return undefined;
    this.#at += rest.length;
    return `{${rest}`;
  }

  #open(): string {
    const rest = this.#pattern.slice(this.#at);
    const named = /^\?P?<[A-Za-z0-9_]+>/.exec(rest);
    if (!rest.startsWith('?') || named !== null) {
      this.#at += named?.[0].length ?? 0;
      this.#groups.push(this.#groups.at(-1)!);
      return '(';
    }
    const lookaround = /^\?(<?[=!])/.exec(rest);
    if (lookaround !== null) throw new PatternError(`(?${lookaround[1]} is not in RE2 syntax, which has no lookaround`);
    const flagged = /^\?([a-zA-Z-]*)([:)])/.exec(rest);
    if (flagged === null) throw new PatternError(`"(${rest.slice(0, 3)}" begins no group`);
    const flags = flagged[1]!;
    checkFlags(flags);
    if (flagged[2] === ')') {
      throw new PatternError(`(?${flags}) is supported at the start only; write (?${flags}:…) around what it is for`);
    }
    this.#at += flagged[0].length;
    return this.#openFlagged(flags);
  }

  #openFlagged(flags: string): string {
    const [on = '', off = '', ...more] = flags.split('-');
    if (more.length > 0) throw new PatternError(`"(?${flags}" has more than one -`);
    const outer = this.#groups.at(-1)!;
    this.#groups.push({
      multiline: (outer.multiline || on.includes('m')) && !off.includes('m'),
      dotAll: (outer.dotAll || on.includes('s')) && !off.includes('s'),
    });
    if (off.includes('i')) return '(?-i:';
    return on.includes('i') ? '(?i:' : '(?:';
  }

  /** What follows a backslash outside of a class. */
  #escape(): string {
    switch (this.#pattern[this.#at]) {
      case 'A':
        this.#at++;
        return '(?<![\\s\\S])';
      case 'z':
        this.#at++;
        return '(?![\\s\\S])';
      case 'b':
      case 'B':
        return `\\${this.#take()}`;
      case 'Q':
        this.#at++;
        return this.#quoted();
      default:
        return this.#classEscape() ?? codePoint(this.#characterEscape());
    }
  }

  #quoted(): string {
    const end = this.#pattern.indexOf('\\E', this.#at);
    const text = this.#pattern.slice(this.#at, end === -1 ? undefined : end);
    this.#at = end === -1 ? this.#pattern.length : end + 2;
    return Array.from(text, (character) => codePoint(character.codePointAt(0)!)).join('');
  }

  /** \d, \pL, \p{Greek} and their opposites, in a class or not. */
  #classEscape(): string | undefined {
    const perl = PERL_CLASSES.get(this.#pattern[this.#at] ?? '');
    if (perl !== undefined) {
      this.#at++;
      return perl;
    }
    const unicode = /^([pP])(?:\{(\^?)(\w+)\}|(\w))/.exec(this.#pattern.slice(this.#at));
    if (unicode === null) return undefined;
    this.#at += unicode[0].length;
    const name = unicode[3] ?? unicode[4]!;
    const negated = (unicode[1] === 'P') !== (unicode[2] === '^');
    return `\\${negated ? 'P' : 'p'}{${name.length <= 2 || name === 'Any' ? name : `Script=${name}`}}`;
  }

  /** One character: \n, \x41, \x{1F600}, \101, or punctuation that stands for itself. */
  #characterEscape(): number {
    const rest = this.#pattern.slice(this.#at);
    const number = /^(?:x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|(0[0-7]{0,2}|[1-7][0-7]{1,2}))/.exec(rest);
    if (number !== null) {
      this.#at += number[0].length;
      return number[3] === undefined ? Number.parseInt(number[1] ?? number[2]!, 16) : Number.parseInt(number[3], 8);
    }
    const character = this.#take();
    if (character === '') throw new PatternError('it ends with a backslash');
    const control = CONTROL_ESCAPES.get(character);
    if (control !== undefined) return control;
    if (/[1-9]/.test(character))
      throw new PatternError(`\\${character} is not in RE2 syntax, which has no back references`);
    if (/[0-9A-Za-z]|[^\0-\x7f]/.test(character)) throw new PatternError(`\\${character} is no escape`);
    return character.codePointAt(0)!;
  }

  /** A class, its [ taken. */
  #class(): string {
    let output = '[';
    if (this.#pattern[this.#at] === '^') {
      this.#at++;
      output = '[^';
    }
    for (let first = true; first || this.#pattern[this.#at] !== ']'; first = false) {
      if (this.#at >= this.#pattern.length) throw new PatternError('a [ is not closed');
      output += this.#classPart();
    }
    this.#at++;
    return `${output}]`;
  }

  #classPart(): string {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.#pattern.slice(this.#at));
    if (posix !== null) {
      const ranges = POSIX_CLASSES.get(posix[2]!);
      if (ranges === undefined) throw new PatternError(`there is no class ${posix[0]}`);
      this.#at += posix[0].length;
      return `[${posix[1]}${ranges}]`;
    }
    const set = this.#classSet();
    if (set !== undefined) return set;
    const low = this.#classCharacter();
    const next = this.#pattern[this.#at + 1];
    if (this.#pattern[this.#at] !== '-' || next === undefined || next === ']') return codePoint(low);
    this.#at++;
    const high = this.#classCharacter();
    if (high < low) throw new PatternError('a range in [] ends before it begins');
    return `${codePoint(low)}-${codePoint(high)}`;
  }

  #classSet(): string | undefined {
    if (this.#pattern[this.#at] !== '\\') return undefined;
    this.#at++;
    const set = this.#classEscape();
    if (set === undefined) this.#at--;
    return set;
  }

  #classCharacter(): number {
    const character = this.#take();
    return character === '\\' ? this.#characterEscape() : character.codePointAt(0)!;
  }

  /** The next code point; '' at the end. */
  #take(): string {
    const point = this.#pattern.codePointAt(this.#at);
    if (point === undefined) return '';
    const character = String.fromCodePoint(point);
    this.#at += character.length;
    return character;
  }
}

/** As an escape, which is no syntax anywhere. */
function codePoint(point: number): string {
  return `\\u{${point.toString(16)}}`;
}
