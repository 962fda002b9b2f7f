#!/usr/bin/env -S node --disable-sigusr1 --max-semi-space-size=2
import { main } from './cli/main.ts';

process.exit(await main(process.argv.slice(2)));
