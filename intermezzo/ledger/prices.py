"""What human work costs (spec: CS-25, CS-26, CS-32)."""

PLATFORM_FEE_PERCENT = 20
MINIMUM_FEE_CREDITS = 1


def platform_fee(rewards_credits: int, assignments: int) -> int:
    """Fee on paid assignments: 20 % of their rewards, rounded down, at least 1; none on none (spec: K3).

    Args:
        rewards_credits: of all of them together.
        assignments: how many they are.
    """
    if assignments == 0:
        return 0
    return max(MINIMUM_FEE_CREDITS, rewards_credits * PLATFORM_FEE_PERCENT // 100)


def human_price(reward_credits: int, assignments: int) -> int:
    """Credits a human task reserves: every reward and the fee on all of them (spec: CS-25)."""
    return reward_credits * assignments + platform_fee(reward_credits * assignments, assignments)
