// SPDX-License-Identifier: GPL-2.0
/*
 * The memory clock of a Jetson, as its boot and power management processor
 * (BPMP) shows it in debugfs. The firmware may reject what is written, but the
 * kernel's mrq_debug_write() (drivers/firmware/tegra/bpmp-debugfs.c) loses its
 * verdict: a write always succeeds, and only reading tells what became of it.
 *
 * debugfs' bpmp/client_hz is how the kernel's own drivers ask for a rate, which
 * is heard only while the rate is not locked.
 */

#include <linux/kstrtox.h>
#include <linux/uaccess.h>

#include "silicon.h"

static const unsigned long rates_hz[] = { 204000000, 665600000, 2133000000, 3199000000 };

static struct dentry *folder;
static u64 rate_hz;
static u64 asked_hz = 2133000000;
static u64 cap_hz;
static u64 lowest_hz = 204000000;
static u64 highest_hz = 3199000000;
static u64 locked;
static u64 state = 1;

/* Runs at what was asked for, or below where the cap says so. */
static void run(void)
{
	int i = ARRAY_SIZE(rates_hz) - 1;

	while (i > 0 && (rates_hz[i] > asked_hz || (cap_hz && rates_hz[i] > cap_hz)))
		i--;
	rate_hz = rates_hz[i];
	silicon_power_set_clock(SILICON_MEMORY, (u32)div_u64(rate_hz, 1000));
}

void silicon_cap_memory(u64 hz)
{
	cap_hz = hz;
	run();
}

/* Asks for the next possible rate; the firmware rejects what is above the highest. */
static void ask(u64 hz)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rates_hz); i++) {
		if (rates_hz[i] >= hz && hz <= highest_hz) {
			asked_hz = rates_hz[i];
			run();
			return;
		}
	}
}

/* What the firmware makes of a text; it takes whatever it understands. A rate that is let go stays until asked for. */
static void firmware_store(u64 *file, const char *text)
{
	u64 value;

	if (silicon_verdict(&silicon_bpmp) || kstrtou64(text, 10, &value))
		return;
	if (file == &rate_hz)
		ask(value);
	else if ((file == &locked || file == &state) && value <= 1)
		*file = value;
}

static ssize_t file_write(struct file *file, const char __user *buffer, size_t size, loff_t *position)
{
	char text[32] = "";

	if (size < sizeof(text) && copy_from_user(text, buffer, size))
		return -EFAULT;
	firmware_store(file->private_data, text);
	return size;
}

static ssize_t file_read(struct file *file, char __user *buffer, size_t size, loff_t *position)
{
	int error = silicon_verdict(&silicon_bpmp);
	char text[32];
	int length;

	if (error)
		return error;
	length = scnprintf(text, sizeof(text), "%llu\n", *(u64 *)file->private_data);
	return simple_read_from_buffer(buffer, size, position, text, length);
}

static const struct file_operations firmware_file = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = file_read,
	.write = file_write,
};

static ssize_t possible_read(struct file *file, char __user *buffer, size_t size, loff_t *position)
{
	static const char text[] = "204000 665600 2133000 3199000 (kHz)\n";

	return simple_read_from_buffer(buffer, size, position, text, sizeof(text) - 1);
}

static const struct file_operations possible_file = { .owner = THIS_MODULE, .read = possible_read };

static int plug(void)
{
	struct dentry *debug, *emc;

	silicon_power_describe(SILICON_MEMORY, 3199000, 2500000, NULL);
	run();
	folder = debugfs_create_dir("bpmp", NULL);
	debug = debugfs_create_dir("debug", folder);
	emc = debugfs_create_dir("emc", debugfs_create_dir("clk", debug));
	debugfs_create_file("rate", 0600, emc, &rate_hz, &firmware_file);
	debugfs_create_file("min_rate", 0600, emc, &lowest_hz, &firmware_file);
	debugfs_create_file("max_rate", 0600, emc, &highest_hz, &firmware_file);
	debugfs_create_file("mrq_rate_locked", 0600, emc, &locked, &firmware_file);
	debugfs_create_file("state", 0600, emc, &state, &firmware_file);
	debugfs_create_file("possible_rates", 0400, debugfs_create_dir("emc", debug), NULL, &possible_file);
	return PTR_ERR_OR_ZERO(emc);
}

static void unplug(void)
{
	debugfs_remove(folder);
	silicon_power_set_clock(SILICON_MEMORY, 0);
}

static int client_store(void *data, u64 value)
{
	if (!locked)
		ask(value);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(client_file, NULL, client_store, "%llu\n");

static void knobs(struct dentry *own)
{
	debugfs_create_file_unsafe("client_hz", 0200, own, NULL, &client_file);
	debugfs_create_u64("highest_hz", 0600, own, &highest_hz);
}

struct silicon_part silicon_bpmp = { .name = "bpmp", .plug = plug, .unplug = unplug, .knobs = knobs };
