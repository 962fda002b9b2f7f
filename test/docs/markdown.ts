/** Blocks between ``` of a language; '' is the language of those that name none. */
export function codeBlocks(page: string, language: string): string[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, name, text]) => (name === language ? [text!] : []));
}

/** The rows of all tables whose header begins with these cells, without header and rule. */
export function tableRows(page: string, ...header: readonly string[]): string[][] {
  const lines = page.split('\n');
  return lines.flatMap((line, index) => {
    if (!line.startsWith(`| ${header.join(' | ')} |`)) return [];
    const end = lines.findIndex((line, later) => later > index && !line.startsWith('|'));
    return lines.slice(index + 2, end < 0 ? undefined : end).map(cells);
  });
}

function cells(row: string): string[] {
  return row
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split('|')
    .map((cell) => cell.trim());
}

/** What stands between single backticks. */
export function codeWords(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);
}

/** The anchors that GitHub makes of the headings. */
export function anchors(page: string): Set<string> {
  const text = page.replaceAll(/^```.*?^```$/gms, '');
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Where links lead; those in code are left out. */
export function links(page: string): string[] {
  const text = page.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '``');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

/** Queries of a block, one per line; lines that begin with a space go on with the one before. */
export function queries(block: string): string[] {
  return block
    .split(/\n(?!\s)/)
    .map((query) => query.trim())
    .filter((query) => query !== '');
}
