"""The pipeline of ranking.yaml as a Python flow."""

import asyncio

from prefect import flow

from intermezzo import compare_rank, llm_generate

plain = llm_generate.with_options(name="plain")
short = llm_generate.with_options(name="short")
compare = compare_rank.with_options(name="compare", assignments_required=3, consensus_strategy="majority_vote")


@flow(persist_result=True, result_serializer="json")
async def ranking(questions: list[str]) -> dict[str, int]:
    """Compare the answers of two prompts by the majority of three people."""
    plain_answers, short_answers = await asyncio.gather(
        plain.map({"messages": [{"role": "user", "content": question}], "temperature": 0} for question in questions),
        short.map(
            {
                "system_prompt": "Answer in one short sentence.",
                "messages": [{"role": "user", "content": f"In short: {question}"}],
                "temperature": 0,
            }
            for question in questions
        ),
    )
    votes = await compare.map(
        {"option_a": a.text, "option_b": b.text, "criteria": f"Which is the better answer to: {question}"}
        for question, a, b in zip(questions, plain_answers, short_answers, strict=True)
    )
    return {
        "plain": sum(vote.preferred == "option_a" for vote in votes),
        "short": sum(vote.preferred == "option_b" for vote in votes),
    }
