"""The pipeline of claims.yaml as a Python flow."""

from typing import Any

from prefect import flow

from intermezzo import answer_question, verify_fact, web_research

evidence = web_research.with_options(name="evidence")
verdict = verify_fact.with_options(name="verdict", assignments_required=3, consensus_strategy="majority_vote")
review = answer_question.with_options(name="review", priority="high")


@flow(persist_result=True, result_serializer="json")
async def claims(claim: str, sources: list[str]) -> dict[str, Any]:
    """Read what pages say about a claim, let three people judge it, and an editor tell the readers."""
    read = await evidence.map(
        ({"url": url, "instruction": f"Quote what the page says about this claim: {claim}"} for url in sources),
        return_exceptions=True,
    )
    pages = [page for page in read if not isinstance(page, Exception)]
    context = "\n\n".join(f"{page.url}\n{page.text}" for page in pages)
    judged = await verdict(claim=claim, context=context)
    question = f"Three people judged: {judged.verdict}. What do we tell our readers, in a sentence?"
    told = await review(content=claim, question=question)
    return {"verdict": judged.verdict, "told": told.answer, "pages_read": len(pages)}
