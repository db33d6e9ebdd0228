// The page of a class that has ended: the replay of its room, if it had one.

import { lesson } from '../watch/main.mjs';
import { replay } from './replay.mjs';

replay(lesson);
