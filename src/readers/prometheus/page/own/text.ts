import { goFloat } from '../../../../config/yaml/go-float.ts';
import { numberText } from '../number-text.ts';
import { bucketText, familyHeader, hasCount, labelText, leText, lineText, type TextSyntax } from '../text-syntax.ts';
import { isExponential, type OwnFamily, type OwnPoint } from './families.ts';

/** Text of what the exporter's own instruments tell; ends in a line feed, '' where there are none. */
export function ownText(families: readonly OwnFamily[], syntax: TextSyntax): string {
  return families
    .map((family) => {
      const lines = family.points.map((point) => pointText(family.name, point, syntax));
      return familyHeader(syntax, family.name, family) + lines.join('');
    })
    .join('');
}

function pointText(name: string, { labels, value }: OwnPoint, syntax: TextSyntax): string {
  const text = labelText(labels);
  const line = (suffix: string, number: number) => {
    const { open, close } = lineText(name + suffix, labels.length > 0, '');
    return `${open}${text}${close}${numberText(number)}\n`;
  };
  if (typeof value === 'number') return line('', value);

  const { open, close } = bucketText(name, labels.length > 0, '');
  const bucket = (le: string, count: number) => `${open}${text}${close}le="${leText(syntax, le)}"} ${count}\n`;
  let lines = '';
  // A page of text has no exponential buckets.
  const { boundaries, counts } = isExponential(value) ? { boundaries: [], counts: [] } : value.buckets;
  let count = 0;
  for (const [index, bound] of boundaries.entries()) {
    count += counts[index]!;
    lines += bucket(goFloat(bound), count);
  }
  lines += bucket('+Inf', value.count);
  if (value.sum !== undefined) lines += line('_sum', value.sum);
  return hasCount(syntax, value.sum) ? lines + line('_count', value.count) : lines;
}
