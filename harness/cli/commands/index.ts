// The verbs of `lab`, in the order the help shows them.
import type { Command } from '../command.ts';
import { doctor } from './doctor.ts';
import { down, gc } from './down.ts';
import { evidence } from './evidence.ts';
import { exec, shell } from './exec.ts';
import { fault } from './fault.ts';
import { heal } from './heal.ts';
import { logs } from './logs.ts';
import { ls } from './ls.ts';
import { migrate } from './migrate.ts';
import { ping } from './ping.ts';
import { trace } from './trace.ts';
import { up } from './up.ts';
import { verify } from './verify.ts';

export const commands: readonly Command[] = [
  verify,
  up,
  ls,
  ping,
  trace,
  fault,
  heal,
  exec,
  shell,
  logs,
  evidence,
  down,
  gc,
  doctor,
  migrate,
];
