// @ts-nocheck: AssemblyScript. The yardstick of the matmul benches: what one good tile reaches here and now, with no
// packing, no edges and no batch to pay for. 4 rows x 8 columns of sums stay in eight registers.
/**
 * c [m, n] = a [m, k] b, with b packed: for every 8 columns, the k rows of those 8 numbers one after the other.
 * m is a multiple of 4, n of 8; all addresses of 16.
 */
export function tile(a: usize, b: usize, c: usize, m: i32, k: i32, n: i32): void {
  const aRow: usize = usize(k) << 2;
  const cRow: usize = usize(n) << 2;
  const panel: usize = usize(k) << 5;
  for (let j = 0; j < n; j += 8) {
    const columns: usize = b + usize(j >> 3) * panel;
    for (let i = 0; i < m; i += 4) {
      let s00: v128 = f32x4.splat(0);
      let s01: v128 = f32x4.splat(0);
      let s10: v128 = f32x4.splat(0);
      let s11: v128 = f32x4.splat(0);
      let s20: v128 = f32x4.splat(0);
      let s21: v128 = f32x4.splat(0);
      let s30: v128 = f32x4.splat(0);
      let s31: v128 = f32x4.splat(0);
      let a0: usize = a + usize(i) * aRow;
      let a1: usize = a0 + aRow;
      let a2: usize = a1 + aRow;
      let a3: usize = a2 + aRow;
      const end: usize = columns + panel;
      for (let p: usize = columns; p < end; p += 32) {
        const b0: v128 = v128.load(p);
        const b1: v128 = v128.load(p, 16);
        let x: v128 = v128.load32_splat(a0);
        s00 = f32x4.add(s00, f32x4.mul(x, b0));
        s01 = f32x4.add(s01, f32x4.mul(x, b1));
        x = v128.load32_splat(a1);
        s10 = f32x4.add(s10, f32x4.mul(x, b0));
        s11 = f32x4.add(s11, f32x4.mul(x, b1));
        x = v128.load32_splat(a2);
        s20 = f32x4.add(s20, f32x4.mul(x, b0));
        s21 = f32x4.add(s21, f32x4.mul(x, b1));
        x = v128.load32_splat(a3);
        s30 = f32x4.add(s30, f32x4.mul(x, b0));
        s31 = f32x4.add(s31, f32x4.mul(x, b1));
        a0 += 4;
        a1 += 4;
        a2 += 4;
        a3 += 4;
      }
      const to: usize = c + usize(i) * cRow + (usize(j) << 2);
      v128.store(to, s00);
      v128.store(to, s01, 16);
      v128.store(to + cRow, s10);
      v128.store(to + cRow, s11, 16);
      v128.store(to + 2 * cRow, s20);
      v128.store(to + 2 * cRow, s21, 16);
      v128.store(to + 3 * cRow, s30);
      v128.store(to + 3 * cRow, s31, 16);
    }
  }
}
