"""Waiting, in both worlds."""

import asyncio
import time

sleep = time.sleep


async def async_sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)
