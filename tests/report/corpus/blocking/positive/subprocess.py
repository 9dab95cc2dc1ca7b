import asyncio
import subprocess


async def main():
    subprocess.run(["sleep", "0.3"], check=True)  # expect: blocking


asyncio.run(main())
