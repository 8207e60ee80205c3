"""What human work costs (spec: CS-25, CS-26, CS-32)."""

PLATFORM_FEE_PERCENT = 20
MINIMUM_FEE_CREDITS = 1


def platform_fee(reward_credits: int, assignments: int) -> int:
    """Fee on that many paid assignments: 20 % of the rewards, rounded down, at least 1; none on none (spec: K3)."""
    if assignments == 0:
        return 0
    return max(MINIMUM_FEE_CREDITS, reward_credits * assignments * PLATFORM_FEE_PERCENT // 100)


def human_price(reward_credits: int, assignments: int) -> int:
    """Credits a human task reserves: every reward and the fee on all of them (spec: CS-25)."""
    return reward_credits * assignments + platform_fee(reward_credits, assignments)
