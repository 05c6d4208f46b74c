//! `memcpy` and `memmove` on x86_64 musl. musl's own align the target byte by byte and go on with `rep movsq`, which
//! takes long to start: putting many short strings together, as listings and batches do, is mostly that.

use std::arch::global_asm;

// rdi: to, rsi: from, rdx: bytes; returns the target. The two may overlap. Up to 32 bytes are loaded whole, from the
// beginning and to the end, before anything is stored. More go 16 a turn, from the end where the target begins inside
// the source; the 16 where the other turns end are loaded first and stored last.
global_asm!(
    ".pushsection .text.memcpy,\"ax\",@progbits",
    ".globl memcpy, memmove",
    ".type memcpy,@function",
    ".type memmove,@function",
    "memcpy:",
    "memmove:",
    "mov rax, rdi",
    "cmp rdx, 16",
    "jae 4f",
    "cmp edx, 8",
    "jae 3f",
    "cmp edx, 4",
    "jae 2f",
    "test edx, edx",
    "jz 9f",
    // The first, the middle and the last byte of 1 to 3.
    "movzx ecx, byte ptr [rsi]",
    "movzx r8d, byte ptr [rsi + rdx - 1]",
    "mov r9d, edx",
    "shr r9d",
    "movzx esi, byte ptr [rsi + r9]",
    "mov [rdi + r9], sil",
    "mov [rdi], cl",
    "mov [rdi + rdx - 1], r8b",
    "9:",
    "ret",
    "2:",
    "mov ecx, [rsi]",
    "mov r8d, [rsi + rdx - 4]",
    "mov [rdi], ecx",
    "mov [rdi + rdx - 4], r8d",
    "ret",
    "3:",
    "mov rcx, [rsi]",
    "mov r8, [rsi + rdx - 8]",
    "mov [rdi], rcx",
    "mov [rdi + rdx - 8], r8",
    "ret",
    "4:",
    "movups xmm1, [rsi]",
    "movups xmm2, [rsi + rdx - 16]",
    "cmp rdx, 32",
    "jbe 7f",
    "mov rcx, rdi",
    "sub rcx, rsi",
    "cmp rcx, rdx",
    "jb 6f",
    "lea r8, [rdi + rdx - 16]",
    "5:",
    "movups xmm0, [rsi]",
    "movups [rdi], xmm0",
    "add rsi, 16",
    "add rdi, 16",
    "cmp rdi, r8",
    "jb 5b",
    "movups [r8], xmm2",
    "ret",
    "6:",
    "movups xmm0, [rsi + rdx - 16]",
    "movups [rdi + rdx - 16], xmm0",
    "sub rdx, 16",
    "cmp rdx, 16",
    "ja 6b",
    "movups [rdi], xmm1",
    "ret",
    "7:",
    "movups [rdi], xmm1",
    "movups [rdi + rdx - 16], xmm2",
    "ret",
    ".size memcpy, . - memcpy",
    ".popsection",
);

#[cfg(test)]
mod tests {
    /// Every length up to a few turns, apart and with every overlap either way.
    #[test]
    fn bytes_move_as_if_loaded_before_any_is_stored() {
        let before: Vec<u8> = (0..=255).collect();
        for len in 0..100 {
            for (from, to) in (0..150).map(|to| (75, to)) {
                let mut bytes = before.clone();
                let start = bytes.as_mut_ptr();
                // SAFETY: both ranges end before 250 and lie in the 256 bytes of `bytes`.
                let end = unsafe { libc::memmove(start.add(to).cast(), start.add(from).cast(), len) };
                assert_eq!(end.cast(), bytes[to..].as_mut_ptr());
                assert_eq!(bytes[to..to + len], before[from..from + len], "{len} bytes to {to}");
                assert_eq!((&bytes[..to], &bytes[to + len..]), (&before[..to], &before[to + len..]), "{len} to {to}");
            }
        }
    }
}
