// npm run test:deploy fetches these into build/tools, once: what Kubernetes and its operators take.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildQuietly } from '../helpers/build-quietly.ts';

const tools = join(import.meta.dirname, '../../build/tools');
const kustomizeVersion = 'v5.8.0';
const models = { 'kubernetes-models': '5.1.0', '@kubernetes-models/prometheus-operator': '6.0.0' };
const modelsFolder = join(tools, 'kubernetes-models');

/** A kind of object as the cluster's schema has it. */
type Model = new (object: unknown) => { validate(): void };

export const kustomize = join(tools, 'kustomize');

/** Why tests that need them are skipped; false where they are there. */
export const noTools =
  existsSync(kustomize) && existsSync(join(modelsFolder, 'node_modules'))
    ? false
    : 'kustomize and the schemas are fetched by `npm run test:deploy`, with Go 1.25 or newer and npm';

/** The schema of an object by its apiVersion and kind; throws where there is none. */
export async function modelOf(apiVersion: string, kind: string): Promise<Model> {
  const name = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  const file = join(modelsFolder, 'node_modules', name, apiVersion, `${kind}.js`);
  const { [kind]: model } = await import(pathToFileURL(file).href);
  return model as Model;
}

function fetchTools(): void {
  if (!existsSync(join(modelsFolder, 'node_modules'))) {
    mkdirSync(modelsFolder, { recursive: true });
    writeFileSync(join(modelsFolder, 'package.json'), JSON.stringify({ private: true, dependencies: models }));
    run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'], modelsFolder);
  }
  if (!existsSync(kustomize)) {
    const module = `sigs.k8s.io/kustomize/kustomize/v5@${kustomizeVersion}`;
    run('go', ['install', '-trimpath', '-ldflags=-s -w', module], tools);
  }
}

function run(command: string, args: readonly string[], cwd: string): void {
  const env = { ...process.env, GOBIN: tools, CGO_ENABLED: '0', GOWORK: 'off' };
  buildQuietly(command, args, { cwd, env });
}

if (import.meta.main) fetchTools();
