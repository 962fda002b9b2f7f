import type { PageSyntax } from '../../../config/exporter/configuration.ts';
import type { Table } from '../../../metrics/table.ts';
import { type Family, makeFamilies, type Naming, writeFamilies } from './family.ts';
import type { OwnFamily } from './own/families.ts';
import { ownText } from './own/text.ts';
import type { PageBuffer } from './page-buffer.ts';
import { textFamilies } from './text-families.ts';
import type { TextSyntax } from './text-syntax.ts';

/** Writes pages of one syntax with one way of naming. */
export interface PageWriter {
  readonly naming: Naming;
  /** Length of the last page; kept here by whoever uses the writer. */
  expectedBytes: number;
  /** Appends the map-fed series; nobody may read the maps until it is resolved. It begins at once. */
  series(page: PageBuffer): Promise<void>;
  /** Appends the exporter's own metrics, and the page's end. */
  end(page: PageBuffer, own: readonly OwnFamily[]): void;
}

/** What only protobuf needs is imported when somebody asks for it. */
export async function createPageWriter(
  syntax: PageSyntax,
  tables: readonly Table[],
  naming: Naming,
): Promise<PageWriter> {
  return syntax === 'protobuf' ? protobufWriter(tables, naming) : textWriter(syntax, tables, naming);
}

function textWriter(syntax: TextSyntax, tables: readonly Table[], naming: Naming): PageWriter {
  const families = makeFamilies(tables, naming, textFamilies(syntax));
  const last = syntax === 'openmetrics' ? '# EOF\n' : '';
  return writer(naming, families, (page, own) => page.text(ownText(own, syntax) + last));
}

async function protobufWriter(tables: readonly Table[], naming: Naming): Promise<PageWriter> {
  const { protobufFamilies } = await import('./protobuf-families.ts');
  const { ownProtobuf } = await import('./own/protobuf.ts');
  const families = makeFamilies(tables, naming, protobufFamilies);
  return writer(naming, families, (page, own) => page.append(ownProtobuf(own)));
}

function writer(naming: Naming, families: readonly Family[], end: PageWriter['end']): PageWriter {
  return { naming, expectedBytes: 0, series: (page) => writeFamilies(families, page), end };
}
