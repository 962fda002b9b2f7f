import { readFileSync } from 'node:fs';
import type { PciNames } from '../decoders/kernel-facts.ts';
import { MeterError } from '../errors.ts';

/** Where distributions have it: Debian and Arch, Debian before, Alpine. */
const paths = ['/usr/share/hwdata/pci.ids', '/usr/share/misc/pci.ids', '/usr/share/pci.ids'];

const newline = 0x0a;
const tab = 0x09;

interface PciIdsOptions {
  /** Put in front of the paths; '' unless set. */
  readonly root?: string;
  /** Called once, where there is no list. */
  readonly warn?: (warning: MeterError) => void;
}

/**
 * Names of PCI devices from the system's pci.ids, whose format stands in the file itself. The function gives undefined where there
 * is no such file, which is looked for once. The 1.5 MB are read when first asked for, and looked through for each name.
 */
export function createPciNames({ root = '', warn = () => {} }: PciIdsOptions = {}): () => PciNames | undefined {
  let names: PciNames | undefined;
  let read = false;
  return () => {
    if (read) return names;
    read = true;
    const text = readFirst(paths.map((path) => root + path));
    if (text === undefined) {
      const remedy = 'Install the package hwdata (Debian, Fedora, Arch) or hwdata-pci (Alpine).';
      warn(new MeterError('environment', `names of PCI devices: none of ${paths.join(', ')} can be read`, { remedy }));
    } else names = namesIn(text);
    return names;
  };
}

function namesIn(text: Buffer): PciNames {
  const vendor = (number: number) => blockAt(text, hex(number, 4));
  const classOf = (number: number) => blockAt(text, `C ${hex(number, 2)}`);
  return {
    vendor: (number) => vendor(number)?.name,
    device: (number, device) => memberOf(text, vendor(number), hex(device, 4)),
    class: (number) => classOf(number)?.name,
    subclass: (number, subclass) => memberOf(text, classOf(number), hex(subclass, 2)),
  };
}

interface Block {
  readonly name: string;
  /** Where the lines below it begin. */
  readonly start: number;
}

/** `NUMBER  NAME` at the start of a line. */
function blockAt(text: Buffer, number: string): Block | undefined {
  const opening = `\n${number}  `;
  const at = text.indexOf(opening);
  if (at < 0) return undefined;
  const end = lineEnd(text, at + 1);
  return { name: text.toString('utf8', at + opening.length, end), start: end + 1 };
}

/** `<TAB>NUMBER  NAME` among the lines that belong to a block: those that begin with a tab, and comments between them. */
function memberOf(text: Buffer, block: Block | undefined, number: string): string | undefined {
  const opening = Buffer.from(`\t${number}  `);
  for (let at = block?.start ?? text.length; at < text.length; at = lineEnd(text, at) + 1) {
    if (text.compare(opening, 0, opening.length, at, Math.min(at + opening.length, text.length)) === 0) {
      return text.toString('utf8', at + opening.length, lineEnd(text, at));
    }
    if (text[at] !== tab && text[at] !== 0x23) return undefined;
  }
  return undefined;
}

function lineEnd(text: Buffer, from: number): number {
  const end = text.indexOf(newline, from);
  return end < 0 ? text.length : end;
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}

function readFirst(files: readonly string[]): Buffer | undefined {
  for (const file of files) {
    try {
      // A line end in front of the first line too.
      return Buffer.concat([Buffer.from('\n'), readFileSync(file)]);
    } catch {
      // The next.
    }
  }
  return undefined;
}
