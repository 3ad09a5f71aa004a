// What has to work in every browser, in Firefox.

import { core } from "./core.mjs";
import * as engine from "./engines/firefox.mjs";

core(engine);
