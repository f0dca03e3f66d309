// SPDX-License-Identifier: GPL-2.0
/*
 * As much of a device tree as tells a Jetson Orin Nano from any other machine:
 * /sys/firmware/devicetree/base/{model,compatible}, and the node of its GPU.
 * A property is a binary file; each of its strings ends with a NUL.
 */

#include <linux/kobject.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "silicon.h"

#define PROPERTY(symbol, file_name, text)							\
	static ssize_t symbol##_read(struct file *file, struct kobject *node,			\
				     struct bin_attribute *property, char *buffer,		\
				     loff_t offset, size_t size)				\
	{											\
		return memory_read_from_buffer(buffer, size, &offset, text, sizeof(text));	\
	}											\
	static struct bin_attribute symbol = {							\
		.attr = { .name = file_name, .mode = 0444 },					\
		.read = symbol##_read,								\
		.size = sizeof(text),								\
	}

PROPERTY(model, "model", "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super");
PROPERTY(compatible, "compatible", "nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234");
PROPERTY(gpu_name, "name", "gpu");
PROPERTY(gpu_compatible, "compatible", "nvidia,ga10b");

static struct kobject *tree, *base, *gpu;

static void unplug(void)
{
	kobject_put(gpu);
	kobject_put(base);
	kobject_put(tree);
	gpu = base = tree = NULL;
}

static int add_properties(void)
{
	int error = sysfs_create_bin_file(base, &model);

	if (!error)
		error = sysfs_create_bin_file(base, &compatible);
	if (!error)
		error = sysfs_create_bin_file(gpu, &gpu_name);
	if (!error)
		error = sysfs_create_bin_file(gpu, &gpu_compatible);
	return error;
}

static int plug(void)
{
	int error = -ENOMEM;

	tree = kobject_create_and_add("devicetree", firmware_kobj);
	base = tree ? kobject_create_and_add("base", tree) : NULL;
	gpu = base ? kobject_create_and_add("gpu@17000000", base) : NULL;
	if (gpu)
		error = add_properties();
	if (error)
		unplug();
	return error;
}

int silicon_link_gpu_node(struct kobject *device)
{
	return gpu ? sysfs_create_link(device, gpu, "of_node") : 0;
}

struct silicon_part silicon_devicetree = { .name = "devicetree", .plug = plug, .unplug = unplug };
