// SPDX-License-Identifier: GPL-2.0
/*
 * How much power the silicon draws, and how much energy it has used.
 *
 * P = top_uw * (f / f_top) * (V / V_top)^2, with a voltage that goes linearly
 * from 60 % at no clock to 100 % at the highest: every part is taken to be
 * busy, so that a counter's rate depends on the clocks alone. A cluster draws
 * this once per CPU that is online.
 */

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/spinlock.h>

#include "silicon.h"

#define PERMILLE	1000
#define LOWEST_VOLTAGE	600
#define PJ_PER_UJ	1000000

/**
 * struct consumer - one that draws power
 * @top_khz:   its highest clock
 * @top_uw:    what it draws at that clock, per CPU where it has CPUs
 * @khz:       its clock now, 0 while it is off
 * @cpus:      its CPUs; NULL if it is none
 * @energy_pj: what it has used until @since
 * @since:     when @energy_pj was brought up to date
 */
struct consumer {
	u32 top_khz;
	u32 top_uw;
	u32 khz;
	const struct cpumask *cpus;
	u64 energy_pj;
	ktime_t since;
};

static struct consumer consumers[SILICON_CONSUMERS];
static DEFINE_SPINLOCK(lock);
static enum cpuhp_state hotplug;

static unsigned int copies(const struct consumer *consumer)
{
	unsigned int cpu, count = 0;

	if (!consumer->cpus)
		return 1;
	for_each_cpu_and(cpu, consumer->cpus, cpu_online_mask)
		count++;
	return count;
}

static u64 draw_uw(const struct consumer *consumer)
{
	u64 clock, voltage;

	if (!consumer->khz)
		return 0;
	clock = div_u64((u64)PERMILLE * consumer->khz, consumer->top_khz);
	voltage = LOWEST_VOLTAGE + (PERMILLE - LOWEST_VOLTAGE) * clock / PERMILLE;
	return div_u64(copies(consumer) * (u64)consumer->top_uw * clock / PERMILLE * voltage * voltage, PERMILLE * PERMILLE);
}

/* Adds what was used since the last time; every change of a clock comes after it. */
static void settle(struct consumer *consumer)
{
	ktime_t now = ktime_get();

	consumer->energy_pj += draw_uw(consumer) * ktime_us_delta(now, consumer->since);
	consumer->since = now;
}

static int settle_all(unsigned int cpu)
{
	unsigned long flags;
	int i;

	spin_lock_irqsave(&lock, flags);
	for (i = 0; i < SILICON_CONSUMERS; i++)
		settle(&consumers[i]);
	spin_unlock_irqrestore(&lock, flags);
	return 0;
}

void silicon_power_describe(enum silicon_consumer consumer, u32 top_khz, u32 top_uw, const struct cpumask *cpus)
{
	struct consumer *known = &consumers[consumer];
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	settle(known);
	known->top_khz = top_khz;
	known->top_uw = top_uw;
	known->cpus = cpus;
	spin_unlock_irqrestore(&lock, flags);
}

void silicon_power_set_clock(enum silicon_consumer consumer, u32 khz)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	settle(&consumers[consumer]);
	consumers[consumer].khz = khz;
	spin_unlock_irqrestore(&lock, flags);
}

u64 silicon_power_uw(unsigned long wanted)
{
	unsigned long flags;
	u64 sum = 0;
	int i;

	spin_lock_irqsave(&lock, flags);
	for_each_set_bit(i, &wanted, SILICON_CONSUMERS)
		sum += draw_uw(&consumers[i]);
	spin_unlock_irqrestore(&lock, flags);
	return sum;
}

u64 silicon_energy_uj(unsigned long wanted)
{
	unsigned long flags;
	u64 sum = 0;
	int i;

	spin_lock_irqsave(&lock, flags);
	for_each_set_bit(i, &wanted, SILICON_CONSUMERS) {
		settle(&consumers[i]);
		sum += consumers[i].energy_pj;
	}
	spin_unlock_irqrestore(&lock, flags);
	return div_u64(sum, PJ_PER_UJ);
}

int silicon_power_start(void)
{
	int state, i;

	for (i = 0; i < SILICON_CONSUMERS; i++)
		consumers[i].since = ktime_get();
	/* What a board draws whatever it does: 1.5 W. */
	silicon_power_describe(SILICON_BOARD, 1, 1500000, NULL);
	silicon_power_set_clock(SILICON_BOARD, 1);
	state = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "silicon:power", settle_all, settle_all);
	if (state < 0)
		return state;
	hotplug = state;
	return 0;
}

void silicon_power_stop(void)
{
	cpuhp_remove_state_nocalls(hotplug);
}
