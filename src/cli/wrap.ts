/** Columns of a terminal that everything should fit into. */
const width = 100;

/** Breaks text between words so that with its indent it fits; a longer word stands alone. Line ends in it stay. */
export function wrap(text: string, indent: number): string {
  const margin = ' '.repeat(indent);
  return text
    .split('\n')
    .flatMap((line) => breakLine(line, width - indent))
    .map((line) => margin + line)
    .join('\n');
}

function breakLine(line: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of line.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
