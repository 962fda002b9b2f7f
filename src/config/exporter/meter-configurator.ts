import { scopeName } from '../names/scope.ts';
import { wildcard } from '../names/wildcard.ts';
import type { ConfigNode } from '../yaml/document.ts';
import { requiredSetting, section, setting } from './section.ts';

/**
 * `meter_provider.meter_configurator/development`: whether our one meter is enabled, by the first entry that matches its
 * name, else by the default. Warns where it isn't, since nothing is exported then.
 */
export function readMeterConfigurator(node: ConfigNode | undefined): boolean {
  if (node === undefined) return true;
  const map = section(node, { supported: ['default_config', 'meters'] });
  const byDefault = setting(map, 'default_config');
  let decided = byDefault && { node: byDefault, enabled: readEnabled(byDefault) };
  let isFound = false;
  for (const item of setting(map, 'meters')?.list() ?? []) {
    const meter = section(item, { supported: ['name', 'config'] });
    const name = meter && requiredSetting(meter, 'name')?.string();
    const config = meter && requiredSetting(meter, 'config');
    if (name === undefined || config === undefined) continue;
    const enabled = readEnabled(config);
    if (isFound || !wildcard(name)(scopeName)) continue;
    isFound = true;
    decided = { node: item, enabled };
  }
  if (decided?.enabled === false) {
    decided.node.warn(`this disables "${scopeName}", the meter of all metrics: nothing is measured`);
  }
  return decided?.enabled ?? true;
}

function readEnabled(node: ConfigNode): boolean {
  const map = section(node, { supported: ['enabled'] });
  return setting(map, 'enabled')?.boolean() ?? true;
}
