TEXT ·sum(SB),0,$0
