// Prints where the browser of the package lies, after unpacking it (and the system's libraries it
// needs, which the package has for machines that lack them) below TMPDIR if it is not there yet.

import chromium from "@sparticuz/chromium";

console.log(await chromium.executablePath());
