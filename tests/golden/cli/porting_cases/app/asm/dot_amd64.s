TEXT ·dot(SB),0,$0
