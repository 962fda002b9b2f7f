import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { exporterConfig } from '../../../src/config/exporter/assemble.ts';
import { readWebConfig } from '../../../src/config/exporter/web-file.ts';
import { ConfigError } from '../../../src/config/yaml/diagnostic.ts';

/** What every object of JavaScript has, and users may write where names stand. */
const inherited = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__'];
const reader = 'meter_provider: {readers: [{pull: {exporter: {prometheus/development: }}}]}';
const folder = join(import.meta.dirname, '..', '..', '..', 'config');

function configured(text: string, env: NodeJS.ProcessEnv = {}) {
  return exporterConfig({ configFile: '/dev/fd/63', env, readFile: async () => text });
}

function webProblems(text: string): string[] {
  return readWebConfig(text, 'web.yml').errors.map(({ message }) => message);
}

describe('names that every object has', () => {
  for (const name of inherited) {
    it(`${name} in a web configuration is as unknown as any other`, () => {
      assert.match(webProblems(`http_server_config: {headers: {${name}: x}}`).join(), /^unknown key "/);
      const tls = (setting: string) => webProblems(`tls_server_config: {cert_file: a, key_file: b, ${setting}}`).join();
      assert.match(tls(`cipher_suites: [${name}]`), new RegExp(`^unknown cipher suite "${name}"`));
      assert.match(tls(`curve_preferences: [${name}]`), new RegExp(`^unknown curve "${name}"`));
    });

    it(`${name} as a variable is unset unless it is set`, async () => {
      const attributes = `[{name: kind, value: "\${${name}:-unset}"}]`;
      const text = `file_format: "1.0"\nresource: {attributes: ${attributes}}\n${reader}`;
      const kindIn = async (env: NodeJS.ProcessEnv) => (await configured(text, env)).config.resourceAttributes.kind;
      assert.equal(await kindIn(process.env), 'unset');
      assert.equal(await kindIn(Object.fromEntries([[name, 'set']])), 'set');
    });

    it(`${name} as a resource's attribute is one`, async () => {
      const text = `file_format: "1.0"\nresource: {attributes: [{name: ${name}, value: x}], attributes_list: "a=y"}\n${reader}`;
      const { resourceAttributes } = (await configured(text)).config;
      assert.deepEqual(
        Object.entries(resourceAttributes).sort(),
        [
          [name, 'x'],
          ['a', 'y'],
        ].sort(),
      );
    });
  }

  it('in place of any word of a configuration that works are an error of its author, or right', async () => {
    let errors = 0;
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.yaml'))) {
      const text = readFileSync(join(folder, file), 'utf8');
      const words = new Map([...text.matchAll(/[A-Za-z_][\w./-]*/g)].map((match) => [match[0], match.index]));
      for (const [word, index] of words) {
        const changed = `${text.slice(0, index)}constructor${text.slice(index + word.length)}`;
        try {
          await configured(changed);
        } catch (error) {
          assert.ok(error instanceof ConfigError, String(error));
          errors++;
        }
      }
    }
    assert.ok(errors > 10, `${errors} words`);
  });
});
