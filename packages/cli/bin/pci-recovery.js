#!/usr/bin/env node
import { main, processIo } from '../dist/index.js';

const io = processIo(process);
process.exitCode = io.exitCode(await main(process.argv.slice(2), io));
