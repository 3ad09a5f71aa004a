// Reads the capture clock that the test camera draws into its picture: 48 blocks along the top edge, white for 1, the most
// significant bit first; 40 bits of Unix time in milliseconds (modulo 2^40), then CRC-8 (polynomial 0x07) of its five bytes.

/**
 * Runs in the page (it refers to nothing outside itself): gives `page.nearliveClock(video)`, which returns the age of the
 * picture on screen in milliseconds, or null where there is no readable clock.
 */
export function installClock() {
  const BLOCKS = 48;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });

  const crc8 = (bytes) => {
    let crc = 0;
    for (const byte of bytes) {
      crc ^= byte;
      for (let i = 0; i < 8; i++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : (crc << 1) & 0xff;
    }
    return crc;
  };

  globalThis.nearliveClock = (video) => {
    const { videoWidth: width, videoHeight: height } = video;
    if (!width || video.readyState < 2) return null;
    const row = Math.round(height / 60);
    const reach = width / BLOCKS >= 6 ? 1 : 0; // 3 x 3 pixels, or the one in the middle
    canvas.width = width;
    canvas.height = row + reach + 1;
    context.drawImage(video, 0, 0);
    const now = Date.now();
    const { data } = context.getImageData(0, row - reach, width, 2 * reach + 1);
    const luma = (x, y) => {
      const at = (y * width + x) * 4;
      return 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
    };
    const bytes = new Uint8Array(BLOCKS / 8);
    for (let block = 0; block < BLOCKS; block++) {
      const left = Math.round((block * width) / BLOCKS);
      const right = Math.round(((block + 1) * width) / BLOCKS);
      const middle = (left + right - 1) >> 1;
      let sum = 0;
      for (let y = 0; y <= 2 * reach; y++) for (let x = -reach; x <= reach; x++) sum += luma(middle + x, y);
      if (sum / (2 * reach + 1) ** 2 >= 128) bytes[block >> 3] |= 0x80 >> (block & 7);
    }
    if (crc8(bytes.subarray(0, 5)) !== bytes[5]) return null;
    const wrap = 2 ** 40;
    const time = bytes.subarray(0, 5).reduce((sum, byte) => sum * 256 + byte, 0);
    let age = (now % wrap) - time;
    if (age < -wrap / 2) age += wrap;
    return age >= -1000 && age <= 120_000 ? age : null;
  };
}
