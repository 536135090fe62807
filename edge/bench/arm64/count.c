/* A plugin of QEMU's user mode emulation (plugin interface, version 1) that counts instructions.
 *
 *   qemu-aarch64 -plugin libcount.so,out=FILE ...
 *
 * The program under emulation marks a point by the system call getppid with MAGIC as its first argument,
 * which the kernel ignores. The second argument is 0 to tell the addresses of a library (third and fourth
 * argument), 1 to end a stage: a line of FILE then says how many instructions ran since the last mark, and
 * how many of them in the library. Counts are of one thread.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { GETPPID = 173, MAGIC = 0x5ea, RANGE = 0, STAGE = 1, ADD = 0 };

/* The part of QEMU's interface that is used here, so that its header need not be installed. */
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
typedef void (*on_block)(plugin_id, struct qemu_plugin_tb *);
typedef void (*on_call)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                        uint64_t, uint64_t);
typedef void (*on_exit)(plugin_id, void *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, on_block);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, on_call);
void qemu_plugin_register_atexit_cb(plugin_id, on_exit, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);

EXPORT int qemu_plugin_version = 1;

static uint64_t all, library, all_before, library_before, low, high;
static FILE *out;

static void block(plugin_id id, struct qemu_plugin_tb *tb)
{
    uint64_t address = qemu_plugin_tb_vaddr(tb), instructions = qemu_plugin_tb_n_insns(tb);
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD, &all, instructions);
    if (address >= low && address < high)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD, &library, instructions);
}

static void call(plugin_id id, unsigned cpu, int64_t number, uint64_t magic, uint64_t kind, uint64_t from,
                 uint64_t to, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    (void)id, (void)cpu, (void)e, (void)f, (void)g, (void)h;
    if (number != GETPPID || magic != MAGIC)
        return;
    if (kind == RANGE) {
        low = from;
        high = to;
    } else if (kind == STAGE) {
        fprintf(out, "%llu %llu\n", (unsigned long long)(all - all_before),
                (unsigned long long)(library - library_before));
        all_before = all;
        library_before = library;
    }
}

static void finish(plugin_id id, void *unused)
{
    (void)id, (void)unused;
    fclose(out);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *machine, int count, char **words)
{
    (void)machine;
    if (count != 1 || strncmp(words[0], "out=", 4) != 0 || !(out = fopen(words[0] + 4, "w")))
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, block);
    qemu_plugin_register_vcpu_syscall_cb(id, call);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
