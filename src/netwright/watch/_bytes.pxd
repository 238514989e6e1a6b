# Unaligned loads from capture bytes, and the hash function of the flow table.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    static inline uint16_t nw_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
    static inline uint32_t nw_be32(const uint8_t *p) {
        uint32_t v; memcpy(&v, p, 4); return __builtin_bswap32(v);
    }
    static inline uint32_t nw_u32(const uint8_t *p, int swapped) {
        uint32_t v; memcpy(&v, p, 4); return swapped ? __builtin_bswap32(v) : v;
    }
    static inline uint16_t nw_u16(const uint8_t *p, int swapped) {
        uint16_t v; memcpy(&v, p, 2); return swapped ? __builtin_bswap16(v) : v;
    }
    static inline uint64_t nw_raw64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
    static inline uint64_t nw_mix(uint64_t a) {
        a ^= a >> 32; a *= 0xd6e8feb86659fd93ull; a ^= a >> 32; a *= 0xd6e8feb86659fd93ull; return a ^ a >> 32;
    }
    /* value * 10**9 / unit, unit 10**n (n >= 0) or 2**-n (n < 0), as if in 64 bits without a sign */
    static inline int64_t nw_scaled(uint64_t value, int n) {
        static const uint64_t powers[] = {1ull, 10ull, 100ull, 1000ull, 10000ull, 100000ull, 1000000ull, 10000000ull,
            100000000ull, 1000000000ull};
        if (n == 6) return (int64_t)(value * 1000);
        if (n >= 0 && n <= 9) return (int64_t)(value * powers[9 - n]);
        if (n > 9) { for (; n > 9 && value; n--) value /= 10; return (int64_t)value; }
        n = -n;
        if (n > 63) return 0;
        uint64_t rest = value & ((1ull << n) - 1);
        return (int64_t)((value >> n) * 1000000000ull + (uint64_t)(((unsigned __int128)rest * 1000000000u) >> n));
    }
    #define nw_prefetch(p) __builtin_prefetch((p), 0, 1)
    #define nw_lowest(v) __builtin_ctz(v)
    """
    uint16_t be16 "nw_be16"(const uint8_t* p) noexcept nogil
    uint32_t be32 "nw_be32"(const uint8_t* p) noexcept nogil
    uint32_t u32 "nw_u32"(const uint8_t* p, int swapped) noexcept nogil
    uint16_t u16 "nw_u16"(const uint8_t* p, int swapped) noexcept nogil
    uint64_t raw64 "nw_raw64"(const uint8_t* p) noexcept nogil
    uint64_t mix "nw_mix"(uint64_t a) noexcept nogil
    int64_t scaled "nw_scaled"(uint64_t value, int n) noexcept nogil
    void prefetch "nw_prefetch"(const void* p) noexcept nogil
    int lowest "nw_lowest"(uint32_t v) noexcept nogil
